"""Settings: every one is documented, wrong ones stop the start with words that help."""

import base64
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from settings import Settings, SettingsError, hidden, parse_keys, secret

EXAMPLE = Path(__file__).parents[1] / ".env.example"
SOURCES = ("activities", "api", "bulk", "cli", "deploy", "gateways", "letters", "models", "orchestration", "services")
READ = re.compile(r"""environ(?:\.get\(|\[)\s*["'](HANDRAIL_[A-Z0-9_]+)["']""")
KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file and no variable of this machine takes part."""
    monkeypatch.chdir(tmp_path)
    for name in (f"HANDRAIL_{name.upper()}" for name in Settings.model_fields):
        monkeypatch.delenv(name, raising=False)


def test_the_example_names_every_setting_with_its_default() -> None:
    shown = dict(re.findall(r"^# (HANDRAIL_\w+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    assert set(shown) == {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default
        text = str(default).lower() if isinstance(default, bool) else "" if default is None else str(default)
        assert shown[f"HANDRAIL_{name.upper()}"] == text


def test_every_setting_stands_in_the_guides() -> None:
    """In full, or as `_ENDING` on a line that names another of the same part in full."""
    root = EXAMPLE.parent
    pages = [root / "README.md", *(root / "docs" / "guides").glob("*.md"), root / "deploy" / "runbook.md"]
    named: set[str] = set()
    for line in "\n".join(page.read_text() for page in pages).splitlines():
        full = set(re.findall(r"HANDRAIL_[A-Z0-9_]+", line))
        parts = {name.split("_")[1] for name in full}
        named |= full | {f"HANDRAIL_{part}{end}" for end in re.findall(r"`(_[A-Z0-9_]+)`", line) for part in parts}
    assert {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields} - named == set()
    others = {"HANDRAIL_SECRETS_DIR"}
    source = [file for folder in SOURCES for file in sorted((root / folder).rglob("*.py"))]
    read = {name for file in [*source, *root.glob("*.py")] for name in READ.findall(file.read_text())}
    assert {name for name in read if name.removeprefix("HANDRAIL_").lower() not in Settings.model_fields} <= others
    assert others <= named


def test_a_misspelt_variable_is_refused_with_the_right_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_DATABSE_URL", "postgresql://u:p@h/d")
    with pytest.raises(SettingsError, match="Did you mean HANDRAIL_DATABASE_URL"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:hidden@h/d"),
        ("DATABASE_POOL_SIZE", "0"),
        ("TEMPORAL_ADDRESS", "https://temporal.example.org"),
        ("S3_ENDPOINT", "store.example.org"),
        ("SMTP_PORT", "hidden"),
        ("PAYLOAD_KEYS", "k1:hidden"),
        ("TOKEN_SECRET", "hidden"),
        ("WORKER_VERSIONING", "sometimes"),
    ],
)
def test_a_wrong_value_is_named_but_never_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"HANDRAIL_{name}", value)
    with pytest.raises(SettingsError, match=f"HANDRAIL_{name}: ") as refusal:
        Settings.load()
    assert "hidden" not in str(refusal.value)


def test_a_missing_setting_says_how_to_get_one() -> None:
    with pytest.raises(SettingsError, match=r"HANDRAIL_DATABASE_URL, HANDRAIL_TEMPORAL_ADDRESS.*handrail up"):
        Settings.load().require("database_url", "temporal_address")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_usual_database_address_becomes_the_drivers(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", f"{scheme}://u:p@h:5432/d?sslmode=require")
    assert secret(Settings.load().database_url) == "postgresql+psycopg://u:p@h:5432/d?sslmode=require"


def test_settings_never_show_a_secret_and_never_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "postgresql://u:hidden@h/d")
    monkeypatch.setenv("HANDRAIL_MASTER_KEYS", f"k1:{KEY}")
    settings = Settings.load()
    assert "hidden" not in repr(settings)
    assert KEY not in repr(settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.demo = True  # type: ignore[misc]  # the point of the test


def test_the_environment_wins_over_env_file_which_wins_over_the_running_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".handrail").mkdir()
    Path(".handrail/stack.env").write_text(
        "HANDRAIL_SMTP_HOST='stack'\nHANDRAIL_S3_BUCKET='stack'\nHANDRAIL_S3_REGION='stack'\n"
    )
    Path(".env").write_text("HANDRAIL_SMTP_HOST=file\nHANDRAIL_S3_BUCKET=file\n")
    monkeypatch.setenv("HANDRAIL_SMTP_HOST", "environment")
    read = Settings.load()
    assert (read.smtp_host, read.s3_bucket, read.s3_region) == ("environment", "file", "stack")
    assert Settings.load(attach=False).s3_region == "us-east-1"


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "handrail_token_secret").write_text("x" * 40)
    monkeypatch.setenv("HANDRAIL_SECRETS_DIR", str(tmp_path))
    assert secret(Settings.load().token_secret) == "x" * 40


@pytest.mark.parametrize("name", hidden(Settings))
def test_every_secret_may_lie_in_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    values = {"database_url": "postgresql://u:p@h/d", "database_owner_url": "postgresql://u:p@h/d"}
    keys = {"master_keys": f"k1:{KEY}", "payload_keys": f"k1:{KEY}", "oidc_client_secrets": "console:hidden-by-a-file"}
    (tmp_path / "held").write_text({**values, **keys}.get(name, "x" * 40) + "\n")
    monkeypatch.setenv(f"HANDRAIL_{name.upper()}_FILE", str(tmp_path / "held"))
    read = getattr(Settings.load(), name).get_secret_value()
    assert read
    assert not read.endswith("\n")


def test_a_secret_given_twice_or_in_a_file_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HANDRAIL_TOKEN_SECRET_FILE", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match=r"HANDRAIL_TOKEN_SECRET_FILE.*cannot be read"):
        Settings.load()
    monkeypatch.setenv("HANDRAIL_TOKEN_SECRET", "x" * 40)
    with pytest.raises(SettingsError, match="are both set"):
        Settings.load()
    monkeypatch.setenv("HANDRAIL_S3_BUCKET_FILE", "x")
    with pytest.raises(SettingsError, match="is not a setting"):
        Settings.load()


def test_the_first_key_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_PAYLOAD_KEYS", f"new:{KEY}, old:{KEY}")
    keys = Settings.load().payload_keys
    assert keys is not None
    assert list(parse_keys(keys)) == ["new", "old"]
