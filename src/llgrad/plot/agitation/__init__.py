"""Pictures of thermal agitation: switching and telegraph signals."""
