"""The figures that the Swift Hydra paper (Do et al., ICLR 2025) prints, and results beside them.

- `means.csv`: tables 1, 4, 5, 6 and 7, AUC-ROC as mean over ADBench's 57 data sets, and the total inference time in
  seconds over all of them, on the authors' two RTX 4090; `ours` is the method of this project that stands for it.
- `per_dataset.csv`: table 9, for 40% of the rows in training.
- `doubts.csv`: where the paper contradicts itself; tests find each contradiction in the figures.
"""
