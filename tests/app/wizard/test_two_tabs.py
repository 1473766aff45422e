"""Two tabs on one draft: none takes anything from the other without a word."""

from dataclasses import replace

from tests.app.wizard.stage import Stage, everything_said
from tests.unit.plans.facts import draft as good_draft
from traindash.domain.ids import ProjectId
from traindash.plans.draft import disputed


def test_only_what_both_have_changed_is_disputed() -> None:
    seen = good_draft()
    elsewhere = replace(seen, hyperparameters="epochs: 7\n", project_id=ProjectId(99))
    assert disputed(seen, elsewhere, lambda draft: replace(draft, hyperparameters="batch: 4\n")) == ("hyperparameters",)
    assert disputed(seen, elsewhere, lambda draft: replace(draft, hyperparameters="epochs: 7\n")) == ()
    assert disputed(seen, elsewhere, lambda draft: replace(draft, experiment_name="mine")) == ()
    assert disputed(seen, seen, lambda draft: replace(draft, hyperparameters="batch: 4\n")) == ()


def test_the_later_tab_is_asked(stage: Stage) -> None:
    draft = stage.draft()
    first, second = (stage.open("launch", draft=draft.id) for _ in range(2))
    key = f"{draft.id}-name"
    first.text_input(key=key).set_value("First").run()
    second.text_input(key=f"{draft.id}-description").set_value("Another field").run()
    assert stage.store.load(draft.id).experiment_name == "First"
    first.text_input(key=key).set_value("First again").run()
    second.text_input(key=key).set_value("Second").run()
    assert stage.store.load(draft.id).experiment_name == "First again"
    assert "Changed in another tab: experiment name." in everything_said(second)
    assert second.text_input(key=key).value == "First again"
    second.button(key="dispute-True").click().run()
    assert stage.store.load(draft.id).experiment_name == "Second"
    assert "Changed in another tab" not in everything_said(second)


def test_a_tab_says_which_draft_it_goes_on_with(stage: Stage) -> None:
    stage.draft()
    app = stage.open("model")
    assert "You go on with the draft" in everything_said(app)
    app.button(key="draft-fresh").click().run()
    assert "You go on with the draft" not in everything_said(app)
