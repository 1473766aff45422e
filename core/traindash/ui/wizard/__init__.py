"""What the steps of the wizard share: forms, tables, the plan in other forms, drafts."""
