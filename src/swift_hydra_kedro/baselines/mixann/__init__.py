"""MixAnN (Lai et al., CIKM 2023): a policy learns which normal row and anomaly to mix, how, and how often."""
