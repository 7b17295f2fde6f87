"""What several outputs say together: the circumplex, opinion pools and conformal sets."""
