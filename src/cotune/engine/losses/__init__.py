"""Losses of lanes that step as a batch, by the sort of target; `cotune.engine.loss` names them all."""
