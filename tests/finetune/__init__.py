"""Tests of the stage `finetune`, a file per file of the stage."""
