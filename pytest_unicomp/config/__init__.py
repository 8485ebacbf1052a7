"""The configuration of a run: options, profiles, policy tables, margins, cost limits and waivers, each read and checked once."""
