"""Who works here and what they may do: people, teams, invitations, sessions, keys, audit.

Tables: account, agent, team, team_member, invitation, session, api_key, sign_in_failure, audit.
"""
