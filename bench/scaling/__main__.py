"""Start everything, check, break, measure, and print the tables."""

from bench.scaling import checks, cost, faults, leaks
from bench.scaling.places import Place, application, everything
from tests.factories import Northfield, populate


def fill(place: Place) -> Northfield:
    """Make the cast of all examples, through PgBouncer."""
    with application(place.pooled) as app, app.app_context():
        return populate()


def show(title: str, rows: list[tuple[str, str]]) -> None:
    """Print a table."""
    print(f"\n| {title} | |\n|---|---|")
    for name, found in rows:
        print(f"| {name} | {found} |", flush=True)


def main() -> None:
    with everything() as place:
        cast = fill(place)
        rows = checks.sessions(place) + checks.others_ended(place) + checks.limits(place)
        rows += checks.live(place, cast) + checks.mail(place) + checks.migrations(place)
        show("two servers as one", rows)
        show("two tenants on one pooled connection", leaks.found(place, cast))
        held = checks.held(place)  # while nothing changes
        show("what PgBouncer costs", cost.measured(place) + held())
        rows = faults.survived(place) + faults.without_database(place)
        show(f"a server lost, at {faults.RATE} requests a second", rows)


if __name__ == "__main__":
    main()
