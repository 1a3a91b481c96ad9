"""The stage `finetune`: batches without conflicts, contrastive training, the model as a result."""
