"""What speaks against a plan, as pure functions over what is known of it."""
