"""What a user may ask for: the options, profiles, policy tables, margins, cost limits and waivers, each read and checked once."""
