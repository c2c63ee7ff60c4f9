//! Two decisions of the engine, measured on wasmtime itself: calls without fiber
//! stacks, and an inert WASI instead of the whole one.

use criterion::Criterion;
use wasmtime::component::{Component, Func, InstancePre, Linker, ResourceTable, Val};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::common::guest;

/// What wasmtime's own WASI keeps for an instance.
struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

fn engine() -> Engine {
    let mut pools = PoolingAllocationConfig::new();
    pools.total_memories(100).total_stacks(100).total_core_instances(400);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pools))
        .epoch_interruption(true)
        .concurrency_support(false);
    Engine::new(&config).unwrap()
}

/// Everything that the component imports is a trap: enough to `describe`.
fn trapping<T>(engine: &Engine, name: &str) -> InstancePre<T> {
    let component = Component::from_binary(engine, &guest(name)).unwrap();
    let mut linker = Linker::new(engine);
    linker.define_unknown_imports_as_traps(&component).unwrap();
    linker.instantiate_pre(&component).unwrap()
}

fn store<T>(engine: &Engine, data: T) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.set_epoch_deadline(1_000_000);
    store
}

/// `describe` of an adapter, found by name.
fn describe<T>(
    pre: &InstancePre<T>,
    store: &mut Store<T>,
    instance: &wasmtime::component::Instance,
) -> Func {
    let interface = "plugway:provider/provider@0.1.0";
    let (_, interface) = pre.component().get_export(None, interface).unwrap();
    let (_, describe) = pre.component().get_export(Some(&interface), "describe").unwrap();
    instance.get_func(store, describe).unwrap()
}

/// One call with and without a fiber, on the same component.
pub(crate) fn sync_and_async(c: &mut Criterion) {
    let engine = engine();
    let pre = trapping::<()>(&engine, "openai");
    let mut store = store(&engine, ());
    let instance = pre.instantiate(&mut store).unwrap();
    let describe = describe(&pre, &mut store, &instance);
    let mut results = [Val::Bool(false)];
    c.bench_function("one call, sync", |b| {
        b.iter(|| describe.call(&mut store, &[], &mut results).unwrap());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    c.bench_function("one call, async", |b| {
        b.iter(|| {
            let call = describe.call_async(&mut store, &[], &mut results);
            runtime.block_on(call).unwrap();
        });
    });
}

/// An instance of the same component with wasmtime's own WASI; the engine's own
/// is `openai/instance`.
pub(crate) fn wasi(c: &mut Criterion) {
    let engine = engine();
    let component = Component::from_binary(&engine, &guest("openai")).unwrap();
    let mut linker = Linker::<Wasi>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    let mut log = linker.instance("plugway:host/log@0.1.0").unwrap();
    log.func_new("write", |_, _, _, _| Ok(())).unwrap();
    let pre = linker.instantiate_pre(&component).unwrap();
    c.bench_function("instance, wasmtime-wasi", |b| {
        b.iter(|| {
            let data = Wasi { context: WasiCtx::builder().build(), table: ResourceTable::new() };
            let mut store = store(&engine, data);
            pre.instantiate(&mut store).unwrap();
            store
        });
    });
}
