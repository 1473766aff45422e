"""What pages share: connection, state, look, widgets that mirror a draft, drawing pieces."""
