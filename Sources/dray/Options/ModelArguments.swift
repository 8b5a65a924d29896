public import ArgumentParser
public import ImageModel
public import ImageTransfer

extension CopyOptions.OnExisting: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

extension Platform: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension Digest: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
