"""From a draft with holes to a complete plan: the steps, what each asks for, and what speaks against going on."""
