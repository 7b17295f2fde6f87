"""Configuration: TOML files and the schemas that check them."""
