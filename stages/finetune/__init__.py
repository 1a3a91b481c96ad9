"""The stage `finetune`: batches without conflicts, contrastive training, and the model."""
