"""The library's training loop, begun in the middle where there is a checkpoint, and watched after each step."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from stages.finetune.checkpoints import Checkpoints, State, draw_on, drawn
from stages.finetune.stopping import Stopping
from stages.finetune.trackers import Trackers


class Beside(NamedTuple):
    """What stands beside the loop: where it begins, who keeps its state, who looks at validation, who is told."""

    state: State | None
    checkpoints: Checkpoints | None
    stopping: Stopping | None
    trackers: Trackers


def trainer(beside: Beside, **given: Any) -> Any:
    """Return the library's trainer for what is `given`, with `beside` at its side."""
    return _trainer_class(beside)(callbacks=[_watch(beside)], **given)


def _trainer_class(beside: Beside) -> Any:
    from sentence_transformers import SentenceTransformerTrainer

    class Trainer(SentenceTransformerTrainer):
        optimizer: Any
        lr_scheduler: Any

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """Leave the automatic card out: it would copy training rows and the wall time."""

        def _init_training_state(self, *arguments: Any) -> Any:
            begun = super()._init_training_state(*arguments)
            if beside.state:  # before the loop reads it: what comes is logged as what follows
                self.state.global_step = beside.state.step
            return begun

        def _prepare_for_training(self, *arguments: Any) -> Any:
            prepared = super()._prepare_for_training(*arguments)  # type: ignore[no-untyped-call]
            if beside.state:
                self.optimizer.load_state_dict(beside.state.optimizer)
                self.lr_scheduler.load_state_dict(beside.state.schedule)
            return prepared

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            if beside.checkpoints:
                beside.checkpoints.write(_state(self, beside))

    return Trainer


def _state(trainer: Any, beside: Beside) -> State:
    return State(
        trainer.state.global_step,
        trainer.model.state_dict(),
        trainer.optimizer.state_dict(),
        trainer.lr_scheduler.state_dict(),
        drawn(trainer.args.device.type),
        beside.trackers.scalars,
        beside.stopping.state() if beside.stopping else {},
    )


def _watch(beside: Beside) -> Any:
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def __init__(self) -> None:
            self._begun = False

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if beside.state and not self._begun:  # from here on nothing draws before the step does
                draw_on(beside.state.chance)
            self._begun = True

        def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            logs = cast("dict[str, float]", more.get("logs") or {})
            for name in ("loss", "learning_rate", "grad_norm"):
                if name in logs:
                    beside.trackers.add(f"train/{name}", float(logs[name]), int(state.global_step))

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            step = int(state.global_step)
            if beside.stopping and beside.stopping.is_due(step):
                found, stop = beside.stopping.see(more["model"], step)
                beside.trackers.add("validation/ndcg_at_10", found, step)
                control.should_training_stop |= stop
            # Where the loss is logged, so that no part of a sum is lost.
            between = step % args.logging_steps == 0 and not control.should_training_stop
            control.should_save = bool(
                between and beside.checkpoints and beside.checkpoints.is_due()
            )

    return Watch()
