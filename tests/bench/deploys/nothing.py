"""No operation at all: what pyinfra itself takes to start, connect and end."""
