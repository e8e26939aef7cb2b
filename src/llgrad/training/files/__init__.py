"""The files of a training run: its record, its metrics, its checkpoint."""
