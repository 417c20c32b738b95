"""A made-up airline satisfaction survey in the form of Kaggle's, for when there is no real one at hand.

25 columns as in https://www.kaggle.com/datasets/teejmahal20/airline-passenger-satisfaction: an unnamed index, id,
four traits of the passenger, class and distance (miles), 14 ratings (0 'not applicable', 1 to 5), two delays
(minutes; the arrival's is empty now and then) and the label. Nobody answered it: passengers have hidden opinions
of the service, the cabin and booking online, and their ratings and satisfaction follow from these, so that a model
has something to learn and figures look roughly, not exactly, like the real survey's.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

ONLINE = ("Inflight wifi service", "Departure/Arrival time convenient", "Ease of Online booking", "Gate location")
CABIN = ("Food and drink", "Seat comfort", "Inflight entertainment", "Cleanliness")
SERVICE = ("On-board service", "Leg room service", "Baggage handling", "Checkin service", "Inflight service")
RATINGS = (*ONLINE, "Food and drink", "Online boarding", *CABIN[1:3], *SERVICE, "Cleanliness")
HEADER = (
    *("", "id", "Gender", "Customer Type", "Age", "Type of Travel", "Class", "Flight Distance"),
    *RATINGS,
    *("Departure Delay in Minutes", "Arrival Delay in Minutes", "satisfaction"),
)

# How much of 100 passengers find a question not applicable.
_NOT_APPLICABLE = dict(zip((*ONLINE, "Online boarding", "Leg room service"), (3, 5, 4, 0, 2, 0.5), strict=True))


def write_sample(path: Path, *, rows: int, seed: int) -> None:
    """Write `rows` made-up passengers to a CSV at `path`; the same seed gives the same file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_passengers(rows, Random(f"sample {seed}")))


def _passengers(rows: int, random: Random) -> Iterator[list[object]]:
    for index in range(rows):
        loyal = random.random() < 0.82
        business = random.random() < (0.64 if loyal else 0.97)
        premium = random.random() < (0.72 if loyal else 0.35) if business else random.random() < 0.08
        flight_class = "Business" if premium else "Eco Plus" if random.random() < 0.13 else "Eco"
        age = round(min(85, max(7, random.gauss(42 if loyal else 30, 15))))
        distance = round(min(4983, 31 + random.lognormvariate(7.1 if premium else 6.4, 0.75)))
        ratings = _ratings(random, loyal=loyal, business=business, premium=premium)
        departure, arrival = _delays(random)
        satisfied = _opinion(ratings, loyal, business, premium, departure) + random.gauss(0, 0.6) > 0
        yield [
            *(index, 1 + (index * 7919) % max(rows, 129_880), random.choice(("Female", "Male"))),
            *("Loyal Customer" if loyal else "disloyal Customer", age),
            *("Business travel" if business else "Personal Travel", flight_class, distance),
            *(ratings[name] for name in RATINGS),
            *(departure, arrival, "satisfied" if satisfied else "neutral or dissatisfied"),
        ]


def _ratings(random: Random, *, loyal: bool, business: bool, premium: bool) -> dict[str, int]:
    online = random.gauss(2.9, 1.1)
    cabin = random.gauss(3.1 + 0.4 * premium, 1.1)
    service = random.gauss(3.4 + 0.3 * (business and loyal), 1.0)
    opinions = dict.fromkeys(ONLINE, online) | dict.fromkeys(CABIN, cabin) | dict.fromkeys(SERVICE, service)
    opinions["Online boarding"] = (online + cabin) / 2 + 0.5 * premium
    return {
        name: 0
        if random.random() * 100 < _NOT_APPLICABLE.get(name, 0)
        else min(5, max(1, round(random.gauss(opinions[name], 0.7))))
        for name in RATINGS
    }


def _delays(random: Random) -> tuple[int, float | str]:
    departure = 0 if random.random() < 0.56 else round(random.expovariate(1 / 33))
    arrival = float(max(0, departure + round(random.gauss(-2, 8)))) if departure or random.random() < 0.2 else 0.0
    return departure, "" if random.random() < 0.003 else arrival


def _opinion(ratings: dict[str, int], loyal: bool, business: bool, premium: bool, departure: int) -> float:
    """Satisfied if positive. Wifi counts most at its ends, as people who have none or the best complain little."""
    wifi = {0: 5.0, 1: -0.4, 2: -0.8, 3: -0.6, 4: 0.9, 5: 4.5}[ratings["Inflight wifi service"]]
    boarding = ratings["Online boarding"] or 3
    cabin = sum(ratings[name] for name in CABIN) / len(CABIN) - 3.2
    service = sum(ratings[name] or 3 for name in SERVICE) / len(SERVICE) - 3.4
    # Business travellers go by booking and comfort, the others by wifi nearly alone.
    return (
        (-1.0 + wifi)
        + (1.6 * (boarding >= 4) + 0.8 * cabin + 0.7 * premium if business else -1.2)
        + 1.1 * service
        + (0.5 if loyal else -1.3)
        - 0.15 * math.log1p(departure)
    )
