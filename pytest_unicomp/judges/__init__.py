"""Judges of free replies, for questions beyond string comparison, such as whether a reply refuses (`refusal.judge(prompt, response)`)."""
