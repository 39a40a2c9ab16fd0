"""The rollout of a new version: steps of traffic, judged on what is measured, promoted or taken back."""
