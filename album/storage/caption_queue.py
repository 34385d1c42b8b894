"""Rows of caption jobs and of their waiting photos.

A photo is queued at most once, in the job that requested it last. A worker holds a claim for a
while, so that no two pay for the same photo. After a kill the claim expires. Photos that share a
caption are claimed together. Every method but `pause_for` is one transaction. Times are Unix time,
passed in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from album.domain.captions import CaptionFailure, CaptionJob, CaptionTask, JobState
from album.storage.database import Database, now

BEHIND_S = 0.001  # what shares a caption comes behind what is sent

_DUE = (
    " FROM caption_queue JOIN caption_jobs USING (job_id) WHERE failure IS NULL"
    " AND not_before <= :at AND claimed_until <= :at AND state = 'running'"
    " ORDER BY urgent DESC, requested_at, photo_id LIMIT 1"
)


class CaptionQueue:
    """Queue of photos to caption, safe from any thread and process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Jobs

    def start_job(
        self,
        groups: Sequence[Sequence[int]],
        languages: Sequence[str],
        at: float,
        *,
        urgent: bool = False,
        hidden: bool = False,
    ) -> int:
        """Queue photos as one job, and return its id.

        A photo that waits already moves to this job, and keeps its languages.

        Args:
            groups: photos that share a caption stand together. The first is sent.
            languages: of the captions, "ko", "en" or both.
            at: the time.
            urgent: before all photos queued without it.
            hidden: a single photo that a person waits for, not listed as a job.
        """
        with self._database.writing() as db:
            job_id = int(
                db.execute(
                    "INSERT INTO caption_jobs (languages, total, hidden, state, asked_at)"
                    " VALUES (?, ?, ?, 'running', ?) RETURNING job_id",
                    (_joined(languages), sum(map(len, groups)), hidden, now()),
                ).fetchone()[0]
            )
            for first, *similar in groups:
                self._queue(db, first, job_id, first, languages, urgent, at)
                for photo_id in similar:
                    self._queue(db, photo_id, job_id, first, languages, urgent, at + BEHIND_S)
        return job_id

    def jobs(self, limit: int = 10) -> list[CaptionJob]:
        """Return the visible jobs, the latest first."""
        return self._jobs("NOT hidden ORDER BY job_id DESC LIMIT ?", limit)

    def job(self, job_id: int) -> CaptionJob | None:
        """Return one visible job, or None."""
        return next(iter(self._jobs("NOT hidden AND job_id = ?", job_id)), None)

    def set_job_state(
        self, job_id: int, states: Sequence[JobState], state: JobState, at: float
    ) -> None:
        """Pause, resume or cancel a job that is in one of `states`.

        A cancelled job's waiting photos leave the queue. Photos at work leave it with their answer,
        or when their claim ends, so that no other job sends them meanwhile.
        """
        with self._database.writing() as db:
            ended = now() if state == "cancelled" else None
            changed = db.execute(
                "UPDATE caption_jobs SET state = ?, ended_at = ?, problem = NULL WHERE job_id = ?"
                f" AND state IN ({', '.join('?' * len(states))})",
                (state, ended, job_id, *states),
            ).rowcount
            if changed and state == "cancelled":
                db.execute(
                    "DELETE FROM caption_queue WHERE job_id = ? AND failure IS NULL"
                    " AND claimed_until <= ?",
                    (job_id, at),
                )

    def pause_for(self, task: CaptionTask, problem: str) -> None:
        """Pause a job of which every photo would fail alike.

        The photo of a hidden job, which nobody could resume, fails instead.
        """
        with self._database.writing() as db:
            paused = db.execute(
                "UPDATE caption_jobs SET state = 'paused', problem = ? WHERE job_id = ?"
                " AND state = 'running' AND NOT hidden",
                (problem, task.job_id),
            ).rowcount
            if not paused:
                db.execute(
                    "UPDATE caption_queue SET failure = ? WHERE photo_id = ? AND job_id IN"
                    " (SELECT job_id FROM caption_jobs WHERE hidden)",
                    (problem, task.photo_id),
                )
        self.release(task)

    def pause_all(self) -> None:
        """Pause every job until a person resumes it, and drop hidden ones."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE caption_jobs SET state = 'paused', problem = NULL"
                " WHERE state IN ('running', 'paused')"
            )
            db.execute(
                "DELETE FROM caption_jobs WHERE hidden"
            )  # with its photo, since nobody sees it

    def resume_after_problem(self) -> int:
        """Resume jobs that a problem paused, and count them."""
        with self._database.writing() as db:
            return db.execute(
                "UPDATE caption_jobs SET state = 'running', problem = NULL"
                " WHERE state = 'paused' AND problem IS NOT NULL"
            ).rowcount

    def retry(self, job_id: int) -> int:
        """Queue the failed photos of a job again, and count them.

        A paused job stays paused.
        """
        with self._database.writing() as db:
            again = db.execute(
                "UPDATE caption_queue SET failure = NULL, problem = NULL, tries = 0,"
                " not_before = 0, claimed_until = 0 WHERE job_id = ? AND failure IS NOT NULL",
                (job_id,),
            ).rowcount
            if again:
                db.execute(
                    "UPDATE caption_jobs SET state = 'running', problem = NULL, ended_at = NULL"
                    " WHERE job_id = ? AND state <> 'paused'",
                    (job_id,),
                )
        return again

    def failures(self, job_id: int, limit: int) -> list[CaptionFailure]:
        """Return the failed photos of a job with their reasons, by id."""
        rows = self._database.connection.execute(
            "SELECT photo_id, failure, problem FROM caption_queue WHERE job_id = ?"
            " AND failure IS NOT NULL ORDER BY photo_id LIMIT ?",
            (job_id, limit),
        )
        return [CaptionFailure(*row) for row in rows]

    def finish_jobs(self, at: float) -> None:
        """Mark running jobs without waiting photos as done."""
        waiting = "EXISTS (SELECT 1 FROM caption_queue AS q WHERE q.job_id = caption_jobs.job_id"
        with self._database.writing() as db:
            db.execute(
                "UPDATE caption_jobs SET state = 'done', ended_at = ? WHERE state = 'running'"
                f" AND NOT {waiting} AND failure IS NULL)",
                (now(),),
            )
            db.execute(f"DELETE FROM caption_jobs WHERE hidden AND NOT {waiting})")
            db.execute(
                "DELETE FROM caption_queue WHERE failure IS NULL AND claimed_until <= ? AND job_id"
                " IN (SELECT job_id FROM caption_jobs WHERE state = 'cancelled')",
                (at,),
            )

    # Photos

    def waiting(self, photo_id: int) -> CaptionFailure | None:
        """Return the state of a photo in the queue, or None."""
        row = self._database.connection.execute(
            "SELECT failure, problem FROM caption_queue WHERE photo_id = ?", (photo_id,)
        ).fetchone()
        return None if row is None else CaptionFailure(photo_id, row[0], row[1])

    def waiting_ids(self) -> set[int]:
        """Return the photos that are still to be captioned."""
        rows = self._database.connection.execute(
            "SELECT photo_id FROM caption_queue JOIN caption_jobs USING (job_id)"
            " WHERE failure IS NULL AND state <> 'cancelled'"
        )
        return {row[0] for row in rows}

    def remove(self, photo_id: int) -> None:
        """Remove a photo, but keep those that would share its caption."""
        with self._database.writing() as db:
            db.execute("DELETE FROM caption_queue WHERE photo_id = ?", (photo_id,))

    def is_due(self, at: float) -> bool:
        """Return whether there is a photo to claim."""
        row = self._database.connection.execute(f"SELECT 1 {_DUE}", {"at": at}).fetchone()
        return row is not None

    def claim(self, at: float, lease_s: float) -> CaptionTask | None:
        """Claim the next photo of a running job for `lease_s` seconds."""
        until = at + lease_s
        with self._database.writing() as db:
            row = db.execute(
                f"SELECT photo_id, job_id, share, caption_queue.languages, tries {_DUE}",
                {"at": at},
            ).fetchone()
            if row is None:
                return None
            photo_id, job_id, share, languages, tries = row
            claimed = db.execute(
                "UPDATE caption_queue SET claimed_until = ? WHERE failure IS NULL"
                " AND (photo_id = ? OR job_id = ? AND share = ? AND claimed_until <= ?"
                " AND languages = ?) RETURNING photo_id",
                (until, photo_id, job_id, share, at, languages),
            ).fetchall()
        similar = sorted(row[0] for row in claimed if row[0] != photo_id)
        return CaptionTask(
            photo_id, job_id, tuple(languages.split(",")), tries, tuple(similar), until
        )

    def renew(self, task: CaptionTask, until: float) -> CaptionTask | None:
        """Extend a claim, or return None where it was lost.

        A claim is lost when its photo was cancelled, paused or captioned by other means.
        """
        with self._database.writing() as db:
            held = db.execute(
                "SELECT 1 FROM caption_queue JOIN caption_jobs USING (job_id) WHERE photo_id = ?"
                " AND claimed_until = ? AND state = 'running' AND failure IS NULL",
                (task.photo_id, task.claimed_until),
            ).fetchone()
            if held is None:
                return None
            self._set_claims(db, task, until)
        return replace(task, claimed_until=until)

    def release(self, task: CaptionTask) -> None:
        """Release a claim."""
        with self._database.writing() as db:
            self._set_claims(db, task, 0.0)

    def delay(self, task: CaptionTask, tries: int, until: float, problem: str) -> None:
        """Delay a failed task and the photos that share its caption.

        Args:
            task: the claimed task.
            tries: how many have failed by now.
            until: when the next one is due.
            problem: why it failed, in one sentence.
        """
        with self._database.writing() as db:
            db.executemany(
                "UPDATE caption_queue SET not_before = ? WHERE photo_id = ? AND claimed_until = ?",
                _claims(task, until),
            )
            db.execute(
                "UPDATE caption_queue SET tries = ?, problem = ? WHERE photo_id = ?"
                " AND claimed_until = ?",
                (tries, problem, task.photo_id, task.claimed_until),
            )
            self._set_claims(db, task, 0.0)

    def fail(self, task: CaptionTask, reason: str) -> None:
        """Mark a photo as failed, and release those sharing its caption."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE caption_queue SET failure = ? WHERE photo_id = ? AND claimed_until = ?",
                (reason, task.photo_id, task.claimed_until),
            )
            self._set_claims(db, task, 0.0)

    def complete(self, photo_id: int, languages: Collection[str], written: bool) -> None:
        """Remove the languages of a written caption from a queued photo.

        Args:
            photo_id: a photo that may have left the queue.
            languages: the requested languages.
            written: whether the captions were stored, and not a person's own kept.
        """
        with self._database.writing() as db:
            row = db.execute(
                "SELECT job_id, languages FROM caption_queue WHERE photo_id = ?", (photo_id,)
            ).fetchone()
            if row is None:
                return
            remaining = [
                language for language in row["languages"].split(",") if language not in languages
            ]
            if remaining and written:
                db.execute(
                    "UPDATE caption_queue SET languages = ?, share = photo_id, claimed_until = 0"
                    " WHERE photo_id = ?",
                    (_joined(remaining), photo_id),
                )
                return
            db.execute("DELETE FROM caption_queue WHERE photo_id = ?", (photo_id,))
            if written:
                db.execute(
                    "UPDATE caption_jobs SET written = written + 1 WHERE job_id = ?",
                    (row["job_id"],),
                )

    @staticmethod
    def _queue(
        db: sqlite3.Connection,
        photo_id: int,
        job_id: int,
        share: int,
        languages: Sequence[str],
        urgent: bool,
        at: float,
    ) -> None:
        row = db.execute(
            "SELECT languages FROM caption_queue WHERE photo_id = ? AND failure IS NULL",
            (photo_id,),
        ).fetchone()
        all_languages = _joined([*languages, *(row[0].split(",") if row else ())])
        db.execute(
            "INSERT INTO caption_queue (photo_id, job_id, share, languages, urgent, requested_at)"
            " SELECT photo_id, ?, ?, ?, ?, ? FROM photos WHERE photo_id = ?"
            " ON CONFLICT (photo_id) DO UPDATE SET job_id = excluded.job_id,"
            " share = excluded.share, languages = excluded.languages, tries = 0, problem = NULL,"
            " failure = NULL, not_before = 0, urgent = max(urgent, excluded.urgent)",
            # A photo at work keeps its claim, so that nobody pays twice for it.
            (job_id, share, all_languages, urgent, at, photo_id),
        )

    @staticmethod
    def _set_claims(db: sqlite3.Connection, task: CaptionTask, until: float) -> None:
        db.executemany(
            "UPDATE caption_queue SET claimed_until = ? WHERE photo_id = ? AND claimed_until = ?",
            _claims(task, until),
        )

    def _jobs(self, which: str, value: int) -> list[CaptionJob]:
        count = "(SELECT count(*) FROM caption_queue AS q WHERE q.job_id = caption_jobs.job_id"
        rows = self._database.connection.execute(
            f"SELECT *, {count} AND failure IS NULL) AS waiting,"
            f" {count} AND failure IS NOT NULL) AS failed FROM caption_jobs WHERE {which}",
            (value,),
        )
        return [
            CaptionJob(
                row["job_id"],
                tuple(row["languages"].split(",")),
                row["state"],
                row["problem"],
                row["total"],
                row["written"],
                row["waiting"],
                row["failed"],
                datetime.fromisoformat(row["asked_at"]),
                row["ended_at"] and datetime.fromisoformat(row["ended_at"]),
            )
            for row in rows
        ]


def _claims(task: CaptionTask, until: float) -> list[tuple[float, int, float]]:
    """Return (until, photo id, claimed until) of the photos of a task."""
    return [(until, photo_id, task.claimed_until) for photo_id in (task.photo_id, *task.others)]


def _joined(languages: Collection[str]) -> str:
    """Join languages as rows hold them: Korean first, each once."""
    return ",".join(sorted(set(languages), key=lambda language: (language != "ko", language)))
