"""Settings: checked at start, each problem in one line that names the setting."""

import pytest

import config
from config import SettingsError, from_environment

PRODUCTION = {
    "FREEHOLD_ENV": "production",
    "DATABASE_URL": "postgresql://freehold@db/freehold",
    "SECRET_KEY": "k3Jq9vXw2LmZp8RtYb5NcHs7DfGa1UeQ",
    "BASE_URL": "https://id.example.com",
    "SMTP_URL": "smtp://mail.example.com:587",
}


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "secret"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY"),
        ({"SECRET_KEY_PREVIOUS": "secret"}, "SECRET_KEY_PREVIOUS"),
        ({"BASE_URL": "http://id.example.com"}, "BASE_URL"),
        ({"BASE_URL": "id.example.com"}, "BASE_URL"),
        ({"BASE_URL": "https://id.example.com/path"}, "BASE_URL"),
        ({"SMTP_URL": ""}, "SMTP_URL"),
        ({"SMTP_URL": "none"}, "EMAIL_VERIFICATION"),
        ({"SMTP_URL": "mail.example.com"}, "SMTP_URL"),
        ({"DATABASE_URL": "sqlite:///freehold.db"}, "DATABASE_URL"),
        ({"DATABASE_OWNER_URL": "freehold"}, "DATABASE_OWNER_URL"),
        ({"DATABASE_LISTEN_URL": "mysql://db/freehold"}, "DATABASE_LISTEN_URL"),
        ({"SIGNUP": "closed"}, "SIGNUP"),
        ({"PASSWORD_MIN_LENGTH": "4"}, "PASSWORD_MIN_LENGTH"),
        ({"PASSWORD_MIN_LENGTH": "twelve"}, "PASSWORD_MIN_LENGTH"),
        ({"DATABASE_PREPARE": "yes"}, "DATABASE_PREPARE"),
        ({"PORT": "0"}, "PORT"),
        ({"METRICS_TOKEN": "guess me"}, "METRICS_TOKEN"),
    ],
)
def test_a_host_that_is_not_safe_does_not_start(changes, setting):
    with pytest.raises(SettingsError, match=rf"^{setting}: ") as refusal:
        from_environment(PRODUCTION | changes)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_production_host_starts_with_these():
    settings = from_environment(PRODUCTION)
    assert settings.https
    assert settings.cookie_name("session") == "__Host-session"
    assert settings.mail_from == "Freehold <freehold@id.example.com>"


def test_all_problems_are_told_at_once():
    with pytest.raises(SettingsError) as refusal:
        from_environment({"PORT": "many", "SIGNUP": "closed"})
    assert len(str(refusal.value).splitlines()) == 2


def test_development_needs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("config.INSTANCE", tmp_path / "instance")
    first, second = from_environment({}), from_environment({})
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_each_purpose_has_its_own_key_and_the_previous_secret_still_reads():
    settings = config.Settings(secret_key="new", secret_key_previous="old")
    assert len(set(settings.keys("links") + settings.keys("session"))) == 4
    assert settings.keys("links")[1] == config.Settings(secret_key="old").keys("links")[0]
