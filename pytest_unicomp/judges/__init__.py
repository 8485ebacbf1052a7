"""Judges say of a model's replies what no string comparison can: `refusal.judge(prompt, response)`."""
