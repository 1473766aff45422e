"""Programs that go into packages, as they are; nothing here imports them."""
