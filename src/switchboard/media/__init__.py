"""Media that still lies with a platform: fetched by background jobs, stored, and put into its message.

Tables: none of its own; jobs of kind `fetch_media`.
"""
