"use strict";
// Draws the figures in the colours of the style sheet, anew when the reader changes from light to dark.
const charts = JSON.parse(document.getElementById("charts").textContent);
const style = getComputedStyle(document.documentElement);
const color = (name) => (name.startsWith("--") ? style.getPropertyValue(name).trim() : name);

function coloured(value, key) {
  if (Array.isArray(value)) return key === "color" ? value.map(color) : value.map((item) => coloured(item));
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, coloured(item, name)]));
  return key === "color" || key === "fillcolor" ? color(value) : value;
}

const axis = () => ({
  gridcolor: color("--rule"), linecolor: color("--rule"), zeroline: false, fixedrange: true, automargin: true, nticks: 6,
});
const merged = (own) => ({ ...axis(), ...own, title: { ...own.title, font: { size: 13 }, standoff: 12 } });

function draw() {
  for (const [place, chart] of charts.entries()) {
    const layout = coloured(chart.layout);
    Plotly.react(document.getElementById(`chart-${place}`), coloured(chart.traces), {
      ...layout,
      height: chart.height,
      margin: { l: 48, r: 14, t: 10, b: 44 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: color("--faint") },
      hoverlabel: { bgcolor: color("--card"), bordercolor: color("--rule"), font: { color: color("--ink") } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      dragmode: false,
      xaxis: merged(layout.xaxis),
      yaxis: merged(layout.yaxis),
    }, { displayModeBar: false, responsive: true });
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
