"""Commands about thermal agitation."""
