//! Every bound on what a plugin may use, by name and unit, and the meter that
//! holds one instance to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, UpdateDeadline};

/// How often the engine looks at the time that a call has used.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Bounds on plugins. The defaults suit a router with a few first-party plugins
/// and thousands of open streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of one call: a thread that waits for a processor is not
    /// charged. Counted from the first look of the engine, which is due every
    /// millisecond, so that a call gets all of it and is stopped at most about two
    /// milliseconds later. One operation on a whole memory, such as `memory.fill`,
    /// is not stopped halfway, and not looked at before it is over.
    pub call_budget: Duration,
    /// Elapsed time of one call, whoever is to blame.
    pub wall_deadline: Duration,
    /// All linear memories of one instance together, bytes.
    pub max_memory_bytes: usize,
    /// Elements of one table.
    pub max_table_elements: usize,
    /// Core modules that one component may instantiate. Rust needs 4, Python 38.
    pub max_core_instances: usize,
    /// Resource handles that one instance may hold.
    pub max_handles: usize,
    /// Bytes that one call may hand to the host, as its result or as arguments
    /// of one call to the host; the host's own structures are counted in.
    pub max_output_bytes: usize,
    /// Events that one call may return.
    pub max_events_per_call: usize,
    /// Log lines of one call; further ones are dropped.
    pub max_log_lines: u32,
    /// Log lines of all instances of one plugin in one second.
    pub max_log_lines_per_second: u32,
    /// Size of a component file, bytes.
    pub max_component_bytes: usize,
    /// Elapsed time of compiling one component.
    pub compile_timeout: Duration,
    /// Address space of the process that compiles one component, bytes.
    pub max_compile_memory_bytes: usize,
    /// Components compiled at the same time.
    pub max_compiles: usize,
    /// Files of the plugins directory that are looked at; further ones are left alone.
    pub max_plugins: usize,
    /// Instances alive at once, streams and warm policies included. An upper
    /// bound: the engine takes fewer where the machine cannot hold them.
    pub max_instances: u32,
    /// Idle instances that a policy keeps for the next question.
    pub max_warm_instances: usize,
    /// Questions that one instance of a policy answers before it is replaced.
    pub calls_per_instance: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_budget: Duration::from_millis(200),
            wall_deadline: Duration::from_secs(2),
            max_memory_bytes: 128 << 20,
            max_table_elements: 50_000,
            max_core_instances: 64,
            max_handles: 1_000,
            max_output_bytes: 64 << 20,
            max_events_per_call: 100_000,
            max_log_lines: 50,
            max_log_lines_per_second: 200,
            max_component_bytes: 64 << 20,
            compile_timeout: Duration::from_secs(60),
            max_compile_memory_bytes: 2 << 30,
            max_compiles: 2,
            max_plugins: 2_000,
            max_instances: 4_000,
            max_warm_instances: 4,
            calls_per_instance: 10_000,
        }
    }
}

/// The bound that stopped a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    CpuBudget,
    WallDeadline,
    Memory,
}

/// Memories of one instance. Runtimes of other languages need up to three; more
/// would drain the common pool, which holds one for each instance on average.
pub(crate) const MAX_MEMORIES: usize = 4;

/// Tables of one instance.
pub(crate) const MAX_TABLES: usize = 16;

/// What ends a call that exceeded a bound; the meter says which.
#[derive(Debug, thiserror::Error)]
#[error("stopped by the engine")]
struct Stopped;

/// Holds one instance to its limits, over all of its calls.
pub(crate) struct Meter {
    limits: Arc<Limits>,
    /// Sum over all memories: wasmtime's own limiter counts each by itself.
    memory_bytes: usize,
    started: Instant,
    /// The thread's processor time at the first tick of the call under way: most
    /// calls end before it, and do not pay for reading the clock.
    first_tick: Option<Duration>,
    exceeded: Option<Exceeded>,
}

impl Meter {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self { limits, memory_bytes: 0, started: Instant::now(), first_tick: None, exceeded: None }
    }

    /// Starts the time of another call. All of it runs on the thread that makes it.
    pub(crate) fn begin_call(&mut self) {
        self.started = Instant::now();
        self.first_tick = None;
    }

    /// What stopped the instance, if the meter did.
    pub(crate) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded
    }

    /// The plugin was running as a tick went by; more may have gone by since it
    /// last did.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.tick_at(thread_time())
    }

    /// A tick, with what the thread has computed in all its life.
    fn tick_at(&mut self, computed: Duration) -> wasmtime::Result<UpdateDeadline> {
        let first_tick = *self.first_tick.get_or_insert(computed);
        if computed.saturating_sub(first_tick) >= self.limits.call_budget {
            return self.stop(Exceeded::CpuBudget);
        }
        if self.started.elapsed() > self.limits.wall_deadline {
            return self.stop(Exceeded::WallDeadline);
        }
        Ok(UpdateDeadline::Continue(1))
    }

    fn stop<T>(&mut self, bound: Exceeded) -> wasmtime::Result<T> {
        self.exceeded = Some(bound);
        Err(wasmtime::Error::new(Stopped))
    }
}

/// What the calling thread has computed so far.
fn thread_time() -> Duration {
    // The kernel's answer is never negative.
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

impl ResourceLimiter for Meter {
    /// Traps instead of refusing: a guest that is told `no` aborts somewhere in
    /// its allocator, and nobody would know why.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if sum > self.limits.max_memory_bytes {
            return self.stop(Exceeded::Memory);
        }
        self.memory_bytes = sum;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.limits.max_table_elements)
    }

    fn instances(&self) -> usize {
        self.limits.max_core_instances
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(limits: Limits) -> Meter {
        Meter::new(Arc::new(limits))
    }

    #[test]
    fn budget_counts_what_one_call_computes_from_its_first_tick_on() {
        let budget = TICK * 3;
        let mut meter = meter(Limits { call_budget: budget, ..Limits::default() });
        let earlier = Duration::from_secs(100);
        for computed in [earlier, earlier * 2] {
            meter.begin_call();
            assert!(meter.tick_at(computed).is_ok());
            // However late the ticks come.
            assert!(meter.tick_at(computed + budget - Duration::from_nanos(1)).is_ok());
        }
        assert!(meter.tick_at(earlier * 2 + budget).is_err());
        assert_eq!(meter.exceeded(), Some(Exceeded::CpuBudget));
    }

    #[test]
    fn a_thread_that_waits_is_not_charged() {
        let before = thread_time();
        std::thread::sleep(TICK * 50);
        assert!(thread_time() - before < TICK * 50);
    }

    #[test]
    fn wall_deadline_stops_what_the_budget_does_not() {
        let mut meter = meter(Limits { wall_deadline: Duration::ZERO, ..Limits::default() });
        assert!(meter.tick().is_err());
        assert_eq!(meter.exceeded(), Some(Exceeded::WallDeadline));
    }

    #[test]
    fn memories_count_in_sum() {
        let mut meter = meter(Limits { max_memory_bytes: 10, ..Limits::default() });
        assert!(meter.memory_growing(0, 6, None).is_ok());
        assert!(meter.memory_growing(0, 4, None).is_ok());
        assert!(meter.memory_growing(4, 5, None).is_err());
        assert_eq!(meter.exceeded(), Some(Exceeded::Memory));
    }
}
