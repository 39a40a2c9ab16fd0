"""Inventories that nothing can be made of."""
