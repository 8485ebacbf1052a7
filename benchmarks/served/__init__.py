"""Gates artifacts of a real model on this engine and on servers: scores, answers that agree, seconds, requests in flight, and what a server refuses."""
