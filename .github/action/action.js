// What GitHub runs of action.yml: up.sh when the action's turn has come, down.sh at the end of the job.
const { spawnSync } = require("node:child_process");
const { appendFileSync } = require("node:fs");
const { join } = require("node:path");

const isPost = Boolean(process.env.STATE_started); // GitHub hands the end what the beginning has saved
if (!isPost) appendFileSync(process.env.GITHUB_STATE, "started=yes\n");

const env = { ...process.env, PREFLIGHT_PORT: process.env.INPUT_PORT };
const script = join(__dirname, isPost ? "down.sh" : "up.sh");
process.exitCode = spawnSync("sh", [script], { env, stdio: "inherit" }).status ?? 1;
