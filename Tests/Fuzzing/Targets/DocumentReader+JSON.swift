package import ImageModel

extension DocumentReader {
    /// A value of any form, whose objects and arrays are stepped into down to a depth.
    package mutating func json(to depth: Int) throws -> JSONValue {
        if depth > 0, try isArray() {
            var values: [JSONValue] = []
            try array { values.append(try $0.json(to: depth - 1)) }
            return .array(values)
        }
        if depth > 0, try isObject() {
            var members: [String: JSONValue] = [:]
            try object { reader, key in
                members[key] = try reader.json(to: depth - 1)
                return true
            }
            return .object(members)
        }
        return try Document.value(from: entry(), name: name)
    }
}
