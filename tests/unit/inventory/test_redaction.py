"""What this process knows to be secret is masked; what is public stays readable."""

import json
import logging

import pytest

from inventory import redaction


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_seen", set())


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    redaction.remember("correct-horse")
    assert redaction.redact("token=correct-horse;") == "token=********;"


def test_a_longer_secret_leaves_no_rest_of_itself() -> None:
    redaction.remember("battery-staple")
    redaction.remember("battery-staple-and-more")
    assert redaction.redact("battery-staple-and-more") == redaction.MASK


def test_every_line_of_a_key_and_every_text_in_a_json_value_is_masked() -> None:
    redaction.remember("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n")
    redaction.remember(json.dumps({"shares": ["first-share", "second-share"], "threshold": 2}))
    text = redaction.redact("MIGHAgEAMBMG first-share second-share shares threshold -----BEGIN PRIVATE KEY-----")
    assert text == f"{3 * '******** '}shares threshold -----BEGIN PRIVATE KEY-----"


def test_certificates_and_short_values_stay_readable() -> None:
    redaction.remember("-----BEGIN CERTIFICATE-----\nMIIBpublic\n-----END CERTIFICATE-----")
    redaction.remember("yes")
    assert redaction.redact("MIIBpublic yes") == "MIIBpublic yes"


def test_a_log_record_is_masked_in_its_arguments_and_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    redaction.remember("correct-horse")
    logger = logging.getLogger("redaction-test")
    logger.addFilter(redaction.Filter())
    try:
        int("correct-horse")
    except ValueError:
        logger.exception("failed with %s", "correct-horse")
    assert "failed with ********" in caplog.text
    assert "int() with base 10: '********'" in caplog.text
    assert "correct-horse" not in caplog.text
