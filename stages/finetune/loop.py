"""The library's training loop, resumed from a checkpoint and observed after each step.

It imports the library, so import it late.
"""

from __future__ import annotations

from typing import Any, cast

from sentence_transformers import SentenceTransformerTrainer
from transformers import TrainerCallback

from stages.finetune.checkpoints import State, get_rng_state, set_rng_state
from stages.finetune.hooks import TrainingHooks

_LOGGED = ("loss", "learning_rate", "grad_norm")


class LoopCallback(TrainerCallback):
    """The hooks of training, called by the loop.

    Args:
        hooks: what accompanies training.
        resumed: the state from which training goes on; None if it begins.
    """

    def __init__(self, hooks: TrainingHooks, resumed: State | None) -> None:
        self._hooks = hooks
        self._resumed = resumed
        self._has_begun = False

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Restore the random generators before the first step: from here on only steps draw."""
        if self._resumed and not self._has_begun:
            set_rng_state(self._resumed.rng_state)
        self._has_begun = True

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Pass the scalars of the loop to the tracker."""
        # Other values of the loop, such as the epoch, are left out.
        logs = cast("dict[str, float]", more.get("logs") or {})
        step = int(state.global_step)
        for name in _LOGGED:
            if name in logs:
                self._hooks.tracker.add(f"train/{name}", float(logs[name]), step)

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Look at validation and ask for a checkpoint, if either is due."""
        step = int(state.global_step)

        # A look at validation may end the training.
        early_stopping = self._hooks.early_stopping
        if early_stopping and early_stopping.is_due(step):
            score, should_stop = early_stopping.observe(more["model"], step)
            self._hooks.tracker.add("validation/ndcg_at_10", score, step)
            control.should_training_stop |= should_stop

        # A checkpoint is written where the loss is logged, so that no part of a sum is lost.
        checkpoints = self._hooks.checkpoints
        is_logged = step % args.logging_steps == 0
        can_save = is_logged and not control.should_training_stop
        control.should_save = bool(can_save and checkpoints and checkpoints.is_due())


class ResumableTrainer(SentenceTransformerTrainer):
    """The library's trainer, which can begin in the middle and writes our checkpoints.

    Args:
        hooks: what accompanies training.
        resumed: the state from which training goes on; None if it begins.
        arguments: those of the library's trainer.
    """

    optimizer: Any
    lr_scheduler: Any

    def __init__(self, hooks: TrainingHooks, resumed: State | None, **arguments: Any) -> None:
        self._hooks = hooks
        self._resumed = resumed
        super().__init__(callbacks=[LoopCallback(hooks, resumed)], **arguments)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave the automatic card out: it would copy training rows and the wall time."""

    def _init_training_state(self, *arguments: Any) -> Any:
        initial = super()._init_training_state(*arguments)

        # Before the loop reads it, so that the next steps are logged under their numbers.
        if self._resumed:
            self.state.global_step = self._resumed.step

        return initial

    def _prepare_for_training(self, *arguments: Any) -> Any:
        prepared = super()._prepare_for_training(*arguments)  # type: ignore[no-untyped-call]

        # Here the optimizer and the schedule exist, and no step is done.
        if self._resumed:
            self.optimizer.load_state_dict(self._resumed.optimizer)
            self.lr_scheduler.load_state_dict(self._resumed.schedule)
        return prepared

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if self._hooks.checkpoints:
            self._hooks.checkpoints.write(self._current_state())

    def _current_state(self) -> State:
        early_stopping = self._hooks.early_stopping
        model: Any = self.model
        return State(
            step=self.state.global_step,
            model=model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            schedule=self.lr_scheduler.state_dict(),
            rng_state=get_rng_state(self.args.device.type),
            scalars=self._hooks.tracker.scalars,
            early_stopping=early_stopping.state() if early_stopping else {},
        )
