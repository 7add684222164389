"""From the replies of one bulk reading to what is live. Pure; unknown is never absent."""
