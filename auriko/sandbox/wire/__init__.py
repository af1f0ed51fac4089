"""What requests look like on the wire, and what is wrong with those that do not."""
