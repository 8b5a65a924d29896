import FuzzTargets
import Glibc

// libFuzzer, around the target that the environment names: what follows the program's name is libFuzzer's own.

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

private func chosenTarget() -> FuzzTarget {
    let name = getenv("DRAY_FUZZ_TARGET").map { String(cString: $0) }
    if let target = FuzzTarget.all.first(where: { $0.name == name }) { return target }
    for target in FuzzTarget.all { print(target.name) }
    exit(name == nil ? 0 : 64)
}

private let target = chosenTarget()
private var count = CommandLine.argc
private var arguments = CommandLine.unsafeArgv
exit(
    runFuzzer(&count, &arguments) { start, count in
        do {
            try target.run(Array(UnsafeBufferPointer(start: start, count: count)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    })
