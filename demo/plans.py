"""What the demo's organizations will be, and the people that its pages name."""

from dataclasses import dataclass, field

from models import Role

ACCOUNTS = {
    "Owner of Northfield": "amara.okafor@example.com",
    "Admin of Northfield": "sven.weber@example.com",
    "Operator of Northfield": "kofi.mensah@example.com",
    "Viewer of Northfield": "hana.reyes@example.com",
    "Guest on Payroll": "lena.novak@example.org",
}


@dataclass(frozen=True)
class Plan:
    """What one organization will be. Its projects are written with commas between."""

    name: str
    slug: str
    people: int
    open: str = ""
    restricted: str = ""
    archived: str = ""
    invited: int = 0
    cast: dict[str, Role] = field(default_factory=dict)


NORTHFIELD = Plan(
    "Northfield",
    "northfield",
    284,
    open="Billing pipeline, Customer portal, Data warehouse, Fleet console, Mobile app, Onboarding, Partner API, "
    "Status page, Support desk, Website relaunch",
    restricted="Payroll, Security review",
    archived="Legacy CRM, Office move",
    invited=28,
    cast={
        "Amara Okafor": Role.OWNER,
        "Sven Weber": Role.ADMIN,
        "Kofi Mensah": Role.OPERATOR,
        "Hana Reyes": Role.VIEWER,
        "Ivo Petrov": Role.VIEWER,
    },
)
PLANS = [
    NORTHFIELD,
    Plan(
        "Harbour Labs",
        "harbour-labs",
        64,
        open="Buoy network, Lighthouse, Tide tables, Weather archive",
        restricted="Grant application",
        archived="Dry dock",
        invited=7,
        cast={"Mateo Lindqvist": Role.OWNER, "Amara Okafor": Role.ADMIN, "Kofi Mensah": Role.VIEWER},
    ),
    Plan("Alder & Finch", "alder-finch", 31, open="Courtyard, Stair study", restricted="Competition entry", invited=4),
    Plan("光線スタジオ", "kosen-studio", 18, open="夜景, 展示室", archived="試作"),
    Plan("مختبر النيل", "nile-lab", 12, open="خرائط, قياسات", restricted="ميزانية"),
    Plan("Bluebird", "bluebird", 1, cast={"Sven Weber": Role.OWNER}),
]
NAMED: dict[str, dict[str, Role | None]] = {
    "Billing pipeline": {"Hana Reyes": Role.ADMIN, "Sven Weber": Role.VIEWER},
    "Customer portal": {"Ivo Petrov": Role.OPERATOR},
    "Payroll": {"Kofi Mensah": None, "Lena Novak": Role.OPERATOR},
}
DESCRIPTIONS = {
    "Billing pipeline": "Invoices, every night at two.\nAsk Kofi before you change the schedule.",
    "Customer portal": "Where customers see their orders and open tickets.",
    "Data warehouse": "Everything that happened, one day late.",
    "Fleet console": "Vehicles, drivers and routes.",
    "Payroll": "Salaries and contracts.",
    "Legacy CRM": "Read-only since the move to the customer portal.",
    "Lighthouse": "The beacon’s firmware and its monitoring.",
    "夜景": "街の灯りの記録。",
}
