"""Code as a site would write it: hooks and automations of its own."""
