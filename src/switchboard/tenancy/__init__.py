"""Workspaces: one tenant each, their names and settings.

Tables: workspace.
"""
