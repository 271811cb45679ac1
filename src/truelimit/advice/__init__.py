"""Advice: which machine is worth its price for whom. Pure; the candidates come with their estimates."""
