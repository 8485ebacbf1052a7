"""Judges: they decide about a reply what no string comparison can, such as whether it refuses (`refusal.judge(prompt, response)`)."""
