/// Of dray.
package let drayVersion = "0.1.0"
