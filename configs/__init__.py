"""What a user configures: TOML files, the schemas that check them, and the errors that name the cure."""
