"""Tests of broker.gateway."""
