"""From the bytes of one revision to what it declares: jobs, policies, and problems with places."""
