"""What pip-audit says becomes lines, and an audit that looked nothing up is none."""

from tools.audit import audit_of


def test_faults_are_told_with_their_correction() -> None:
    fault = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}
    sound = {"name": "sound", "version": "1.0", "vulns": []}
    audit = audit_of({"dependencies": [sound, {"name": "faulty", "version": "1.0", "vulns": [fault]}], "fixes": []})
    assert audit.is_done
    assert audit.faults == ("faulty 1.0: PYSEC-1, corrected in 2.0",)


def test_what_was_not_looked_up_is_not_called_sound() -> None:
    skipped = {"name": "unknown", "skip_reason": "Dependency not found"}
    assert not audit_of({"dependencies": [skipped] * 9, "fixes": []}).is_done
    assert not audit_of({"dependencies": [], "fixes": []}).is_done
