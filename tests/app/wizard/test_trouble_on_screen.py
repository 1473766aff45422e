"""What goes wrong around the wizard is told in words, with the next step, and never as a traceback."""

from dataclasses import replace

import pytest

from tests.app.wizard.stage import Stage, everything_said, links
from tests.fakes.wizard_client import add_project
from traindash.domain.ids import ProjectId
from traindash.plans.steps import STEPS


def test_a_reload_finds_the_draft_again(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, experiment_name="kept"))
    app = stage.open("launch", draft=draft.id)
    assert app.text_input(key=f"{draft.id}-name").value == "kept"


def test_without_an_id_the_latest_draft_goes_on(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("project")
    assert app.query_params["draft"] == draft.id


def test_a_second_tab_sees_the_change_and_loses_nothing(stage: Stage) -> None:
    draft = stage.draft()
    one, two = stage.open("export", draft=draft.id), stage.open("benchmark", draft=draft.id)
    one.toggle(key=f"{draft.id}-onnx").set_value(True).run()
    two.toggle(key=f"{draft.id}-speedtest").set_value(False).run()
    stored = stage.store.load(draft.id)
    assert (stored.export_onnx, stored.enable_speedtest) == (True, False)
    assert "ONNX" in everything_said(two)


@pytest.mark.parametrize("name", ["nosuchdraft", "../token", "<script>"])
def test_an_unknown_draft(stage: Stage, name: str) -> None:
    app = stage.open("project", draft=name)
    assert "draft" in app.error[0].value
    assert "Start a new one" in everything_said(app)


def test_a_damaged_draft(stage: Stage) -> None:
    draft = stage.draft()
    (stage.home / "drafts" / f"{draft.id}.json").write_text("{", encoding="utf-8")
    app = stage.open("project", draft=draft.id)
    assert "damaged" in app.error[0].value
    app.button(key="page-error-new-draft").click().run()
    assert not app.error
    assert app.query_params["draft"] != draft.id


def test_a_project_that_was_deleted_meanwhile(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, project_id=ProjectId(99)))
    add_project(stage.world, ProjectId(8), "Another", 12)
    app = stage.open("project", draft=draft.id)
    assert "Project 99 does not exist on this server" in everything_said(app)
    assert app.button(key="next").disabled
    app.button(key="choose-project-8").click().run()
    assert not app.button(key="next").disabled


@pytest.mark.parametrize("step", [spec.id for spec in STEPS if spec.id != "project"])
def test_the_other_steps_send_back_to_the_project(stage: Stage, step: str) -> None:
    app = stage.open(step, draft=stage.draft(lambda draft: replace(draft, project_id=ProjectId(99))).id)
    assert "Project 99 does not exist" in everything_said(app)


def test_a_wrong_token_is_told_and_can_be_put_right(stage: Stage) -> None:
    draft = stage.draft()
    stage.world.token_is_wrong = True
    app = stage.open("model", draft=draft.id)
    assert "does not accept the API token" in app.error[0].value
    assert "Check the connection" in links(app)
    stage.world.token_is_wrong = False
    app.button(key="page-error-retry").click().run()
    assert not app.error
    assert "Which model to start from?" in everything_said(app)


def test_a_draft_of_another_server(stage: Stage) -> None:
    draft = stage.store.create("http://elsewhere")
    app = stage.open("project", draft=draft.id)
    assert "http://elsewhere" in app.error[0].value.replace("\\", "")


def test_names_from_the_server_are_shown_as_they_are(stage: Stage) -> None:
    name = "<b>**Bold** & `code`</b> :red[x]"
    stage.world.projects[ProjectId(7)] = replace(stage.world.projects[ProjectId(7)], name=name)
    app = stage.open("split", draft=stage.draft().id)
    said = "".join(str(item.proto.body) for item in app.get("html"))
    assert "&lt;b&gt;**Bold** &amp; `code`&lt;/b&gt; :red[x]" in said


def test_the_drafts_menu_opens_another_draft(stage: Stage) -> None:
    other, current = stage.draft(), stage.draft()
    app = stage.open("project", draft=current.id)
    app.button(key=f"open-{other.id}").click().run()
    assert app.query_params["draft"] in (other.id, [other.id])


def test_the_connection_page_shows_server_place_and_agents(stage: Stage) -> None:
    app = stage.open("connection")
    said = everything_said(app)
    assert stage.world.address in said
    assert [box.label for box in app.selectbox] == ["Team", "Workspace"]
    assert "This machine, 1" in said


def test_the_connection_page_says_when_the_token_is_wrong(stage: Stage) -> None:
    stage.world.token_is_wrong = True
    app = stage.open("connection")
    assert "does not accept the API token" in app.error[0].value
