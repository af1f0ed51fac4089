"""Who is told what a call cost."""
